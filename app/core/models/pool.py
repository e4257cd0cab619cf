"""The models of this process by their ids: each is loaded once, for all who choose it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.core.models.host import ModelHost
from app.core.models.offers import DEFAULT, Offer, Offers
from app.core.models.selection import open_backend, open_connected
from app.core.settings import Settings


class ModelPool:
    """The hosts of models.

    Args:
        offers: the models on offer.
        default: the host of a mode's default model.
    """

    def __init__(self, offers: Offers, default: Callable[[str], ModelHost]) -> None:
        self.offers = offers
        self._default = default
        self._lock = threading.Lock()
        self._hosts: dict[str, tuple[Offer, ModelHost]] = {}
        self._admitted: set[str] = set()

    def admit(self, id: str) -> None:
        """Allows a model to be loaded here, as somebody asks who may. A conversation alone does
        not: it may have been imported, with the id of any model."""
        self._admitted.add(id)

    def host(self, id: str, mode: str) -> ModelHost:
        """The model of that id; the mode's default where it is no longer on offer, or would be
        loaded here and was not admitted."""
        offer = None if id == DEFAULT else self.offers.find(id)
        if offer is None or not self._usable(offer):
            return self._default(mode)
        with self._lock:
            known, host = self._hosts.get(id, (None, None))
            if host is None or known is None or _elsewhere(known, offer):
                settings = self.offers.settings(offer)
                opener = open_connected if offer.kind == "server" else open_backend
                before, host = host, ModelHost(lambda: opener(settings))
                self._hosts[id] = (offer, host)
                if before is not None:
                    close_soon(before)
            return host

    def settings(self, id: str) -> Settings:
        """The settings that hold for the model of that id, in all modes."""
        offer = self.offers.find(id)
        if offer is None or not self._usable(offer):
            offer = self.offers.all()[0]
        return self.offers.settings(offer)

    def _usable(self, offer: Offer) -> bool:
        return not offer.local or offer.id in self._admitted

    def loaded(self, id: str) -> ModelHost | None:
        """The host of a model that somebody has chosen since the start."""
        found = self._hosts.get(id)
        return None if found is None else found[1]

    def unload(self, id: str) -> None:
        """Frees the memory of a model, once its running answers have ended; who uses it next
        waits until it is loaded again."""
        with self._lock:
            found = self._hosts.pop(id, None)
            self._admitted.discard(id)
        if found is not None:
            close_soon(found[1])

    def close(self) -> None:
        """Closes all models but the defaults."""
        with self._lock:
            hosts, self._hosts = [host for _, host in self._hosts.values()], {}
        for host in hosts:
            host.close()


def _elsewhere(known: Offer, offer: Offer) -> bool:
    """Whether the model is reached or used in another way than when it was opened."""
    return (known.where, known.key, known.abilities) != (offer.where, offer.key, offer.abilities)


def close_soon(host: ModelHost) -> None:
    """On a thread of its own: closing may wait for running answers."""
    threading.Thread(target=host.close, name="model-unload", daemon=True).start()
