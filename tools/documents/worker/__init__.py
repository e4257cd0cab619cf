"""Reading in a child process with limits: client, worker, what is heard of a file."""
