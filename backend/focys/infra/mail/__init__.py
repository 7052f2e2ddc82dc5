"""Messages, and the SMTP client that sends them."""
