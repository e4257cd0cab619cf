"""Who may read what: paths, origins, cookies, frames, pictures of others."""
