"""Infrastructure: the database, email, cryptography, HTTP, and operations such as logs and the clock."""
