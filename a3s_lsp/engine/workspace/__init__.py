"""The files a session works on: the buffer or the disk, change sets, search, and the processes that run beside them."""
