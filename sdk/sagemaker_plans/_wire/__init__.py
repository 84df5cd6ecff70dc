"""What goes over the wire: operations, requests and replies, and models made of them."""
