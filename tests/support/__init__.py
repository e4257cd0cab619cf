"""What tests share: servers, made files, harnesses of the real parts."""
