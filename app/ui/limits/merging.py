"""Merges two rerun requests of a page where that loses neither a value nor a click."""

from __future__ import annotations

from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

TRIGGERS = ("trigger_value", "string_trigger_value", "chat_input_value", "json_trigger_value")
"""Kinds of widget values that last for one run, such as clicks (Streamlit's `ScriptRequests`)."""


def merged(older: bytes, newer: bytes) -> bytes | None:
    """One request for both: the newer values, and the older ones where the newer request has none.

    None where both have to be carried out: one has a click or a message, which is to meet the page
    as the values before it have made it; they are for different pages, or for different parts of
    one; or one of them is something else.
    """
    one, two = _rerun(older), _rerun(newer)
    if one is None or two is None:
        return None
    first, second = one.rerun_script, two.rerun_script
    if (
        first.page_script_hash != second.page_script_hash
        or first.page_name != second.page_name
        or first.query_string != second.query_string
        or first.is_history_navigation
        or second.is_history_navigation
        or any(is_trigger(state) for state in first.widget_states.widgets)
        or any(is_trigger(state) for state in second.widget_states.widgets)
    ):
        return None
    if first.fragment_id != second.fragment_id:
        if first.fragment_id and second.fragment_id:
            return None
        second.fragment_id = ""  # the whole page's run is that of all its parts
    second.is_auto_rerun = first.is_auto_rerun and second.is_auto_rerun
    known = {state.id for state in second.widget_states.widgets}
    missing = [state for state in first.widget_states.widgets if state.id not in known]
    second.widget_states.widgets.extend(missing)
    both: bytes = two.SerializeToString()
    return both


def is_trigger(state: WidgetState) -> bool:
    """Whether the value is a click or a message, which a later request would not repeat."""
    kind = state.WhichOneof("value")
    if kind not in TRIGGERS:
        return False
    value = getattr(state, kind)
    return bool(value.ListFields()) if isinstance(value, Message) else bool(value)


def _rerun(data: bytes) -> BackMsg | None:
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    return message if message.WhichOneof("type") == "rerun_script" else None
