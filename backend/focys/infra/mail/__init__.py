"""Email messages and the SMTP client that sends them."""
