"""Where a user writes: message box, attachments, camera, buttons under the last answer."""
