"""HTTP: requests, responses, the pages, and the checks around every request."""
