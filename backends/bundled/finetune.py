"""Where the fine-tuning command went: it is `python -m finetune` now, with the same options."""

from __future__ import annotations

if __name__ == "__main__":
    raise SystemExit("Fine-tuning is `python -m finetune` now; its options are the same.")
