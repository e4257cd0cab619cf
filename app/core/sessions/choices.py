"""What a conversation has besides its messages, as it is stored: settings, switches, documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.core.conversation import Conversation
from app.core.history.message_json import Roots
from app.core.models.host import ModelHost
from tools.registry import Registry

MODEL = "model"
"""The chosen model's place among a session's choices."""

if TYPE_CHECKING:
    from app.core.document_qa.session_documents import SessionDocuments

# kept_documents is imported late: Chat, the first page, must not wait for the readers of documents.


class WithModel:
    """A session's settings on the page and its model, which is one of them."""

    choices: dict[str, Any]
    """The visitor's settings on the page, by name; they survive a reload."""
    _models: ModelHost | Callable[[str], ModelHost]
    """The only model, or what finds the model of an id."""

    @property
    def chosen_model(self) -> str:
        """The id of the model that was chosen for the conversation, empty for the default."""
        return str(self.choices.get(MODEL, ""))

    @property
    def model(self) -> ModelHost:
        """The model that answers: that which was chosen, while it is on offer."""
        models = self._models
        return models if isinstance(models, ModelHost) else models(self.chosen_model)


def choices_to_json(
    values: Mapping[str, Any], registry: Registry, documents: SessionDocuments | None, roots: Roots
) -> dict[str, Any]:
    """The settings on the page by name, the tools that are switched off, and the documents."""
    off = [tool.name for tool in registry.tools if not registry.enabled(tool.name)]
    choices: dict[str, Any] = {"values": values, "off": off}
    if documents is not None and documents.given:
        from app.core.sessions.kept_documents import documents_to_json

        choices["documents"] = documents_to_json(documents, roots)
    return choices


def restore_choices(
    choices: Mapping[str, Any],
    values: dict[str, Any],
    registry: Registry,
    documents: SessionDocuments | None,
    roots: Roots,
) -> None:
    """Takes over what was stored."""
    values.update(choices.get("values", {}))
    for name in choices.get("off", ()):
        registry.switch(str(name), False)
    if documents is not None:
        from app.core.sessions.kept_documents import restore_documents

        restore_documents(documents, choices.get("documents"), roots)


def title_without_words(conversation: Conversation, documents: SessionDocuments | None) -> str:
    """The title of a conversation that has files and no words yet."""
    if documents is not None and documents.given:
        return documents.store.entries()[0].document.name
    files = (part.name for message in conversation.messages for part in message.attached)
    return next(files, "")
