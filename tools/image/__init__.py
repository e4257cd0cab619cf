"""Text-to-image: pictures from a description, by the generator that a setting selects.

    tool        the tool: from a description to a picture in the workspace
    endpoint    a generator that calls a server with the OpenAI images endpoint
    pipeline    a generator that runs a diffusers pipeline in this process

Each session has its own `ImageTool`; all sessions share one `ImageGenerator`.
"""

from tools.image.endpoint import Endpoint
from tools.image.pipeline import Pipeline
from tools.image.tool import ImageGenerator, ImageTool

__all__ = ["Endpoint", "ImageGenerator", "ImageTool", "Pipeline"]
