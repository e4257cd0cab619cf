"""How a kernel's process is started: plain, or confined by bubblewrap."""
