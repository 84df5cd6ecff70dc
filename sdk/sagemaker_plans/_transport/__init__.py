"""The network: sends one request, returns its reply, or says what is known if no reply came."""
