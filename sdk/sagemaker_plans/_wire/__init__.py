"""The wire format: operations, requests and replies, and how models are read and written."""
