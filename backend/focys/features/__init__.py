"""One package per feature. Other code imports only from its ``__init__``; a feature imports only from lower layers."""
