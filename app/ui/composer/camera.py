"""Takes a photo with the visitor's camera, for the next message."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.core.attachments import Upload, UploadRejected
from app.core.modes import Mode
from app.core.sessions.session import Session
from app.core.settings import Settings
from app.ui.composer.attachments import let_wait, take_files
from app.ui.elements.markdown import escaped
from backends.base import Images

WIDTH_PX = 320  # of the preview; the photo has the camera's full size
_TAKEN = "photos-taken"


def draw_camera(
    mode: Mode, current: Callable[[], Session], settings: Settings, images: Images
) -> None:
    """Draw the camera in a closed expander; the browser's camera is used only once it is open."""
    # A new key for each photo, because the widget would keep the last one.
    number = st.session_state.get(_TAKEN, 0)
    key = f"camera-{number}"

    def taken() -> None:
        photo = st.session_state[key]
        if photo is None:
            return
        given = Upload(f"photo-{number + 1}.jpg", photo.getbuffer())
        try:
            let_wait(mode, take_files(mode, current(), [given], settings, images))
        except UploadRejected as error:
            st.toast(escaped(str(error)), icon=":material/error:", duration="long")
        st.session_state[_TAKEN] = number + 1

    camera = st.expander("Camera", icon=":material/photo_camera:", key="camera", on_change="rerun")
    if camera.open:
        camera.camera_input(
            "Take a picture", key=key, on_change=taken, label_visibility="collapsed", width=WIDTH_PX
        )
