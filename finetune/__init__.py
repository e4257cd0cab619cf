"""Fine-tunes models, users' own and the bundled one; not used at run time."""
