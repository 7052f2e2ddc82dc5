"""The API as gunicorn and uvicorn find it: ``uvicorn main:app``."""

from focys.app import create_app

app = create_app()
