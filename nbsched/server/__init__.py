"""The Jupyter server as a host, and its REST door."""
