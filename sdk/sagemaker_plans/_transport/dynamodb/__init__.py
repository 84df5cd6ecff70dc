"""The network of a journal in DynamoDB: one request out, one reply in."""
