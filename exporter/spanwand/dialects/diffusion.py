"""Our own convention for image and video generation, because OpenTelemetry has none: docs/diffusion.md.

It adds to the GenAI conventions: model, provider, operation, usage and errors keep their `gen_ai.*` names.
"""

from spanwand.dialects.gpu_names import devices
from spanwand.dialects.parsers import content, count, integer, number, positive_count, seconds, text, texts
from spanwand.dialects.table import Dialect, Source

_FIELDS = {
    "image.pipeline": (Source("diffusion.pipeline", text, "class of the pipeline or name of the workflow"),),
    "image.scheduler": (Source("diffusion.scheduler", text, "class or name of the noise scheduler"),),
    "image.steps": (Source("diffusion.steps", count, "denoising steps really run"),),
    "image.guidance_scale": (Source("diffusion.guidance_scale", number, "classifier-free guidance; 0 is off"),),
    "image.strength": (Source("diffusion.strength", number, "0 to 1; how far an input image is changed"),),
    "image.seed": (Source("diffusion.seed", integer, "of the first image"),),
    "image.width": (Source("diffusion.width", positive_count, "px, of one image"),),
    "image.height": (Source("diffusion.height", positive_count, "px, of one image"),),
    "image.images": (Source("diffusion.image_count", count, "images the call returned"),),
    "image.quality": (Source("diffusion.quality", text, "the provider's word, such as `hd`"),),
    "image.loras": (Source("diffusion.loras", texts, "names of the adapters in use"),),
    "image.safety_flagged": (Source("diffusion.safety_flagged_count", count, "images a safety checker withheld"),),
    "content.input": (Source("diffusion.prompt", content, "content: dropped or redacted"),),
    "content.negative_prompt": (Source("diffusion.negative_prompt", content, "content: dropped or redacted"),),
    "hint.devices": (Source("diffusion.device", devices, "as torch names it, such as `cuda:0`; several: an array"),),
    "timing.queue_s": (Source("diffusion.queue_duration", seconds, "s, waiting for the device"),),
    "timing.text_encode_s": (Source("diffusion.text_encode_duration", seconds, "s"),),
    "timing.denoise_s": (Source("diffusion.denoise_duration", seconds, "s, all steps together"),),
    "timing.decode_s": (Source("diffusion.decode_duration", seconds, "s, latents to pixels"),),
}

DIFFUSION = Dialect(
    name="diffusion",
    markers=frozenset(source.key for sources in _FIELDS.values() for source in sources),
    fields=_FIELDS,
)
