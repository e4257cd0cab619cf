"""Pictures from a description, with what a setting names.

    tool        the tool: a description in, a picture in the workspace out
    endpoint    a server with the OpenAI images endpoint draws
    pipeline    diffusers draws, in process

`ImageTool` is one session's, a `ImageGenerator` everybody's.
"""

from tools.image.endpoint import Endpoint
from tools.image.pipeline import Pipeline
from tools.image.tool import ImageGenerator, ImageTool

__all__ = ["Endpoint", "ImageGenerator", "ImageTool", "Pipeline"]
