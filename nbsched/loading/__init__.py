"""Work from files: what a path names, and its beginning; what executes a file does so in a process of its own."""
