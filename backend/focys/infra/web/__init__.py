"""HTTP: requests in, responses out, the pages, and the checks around every call."""
