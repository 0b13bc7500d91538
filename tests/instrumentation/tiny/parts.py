"""Models, tokenizers and the like, tiny and with random weights."""

from collections.abc import Callable
from typing import Any

import diffusers
import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPTextConfig, CLIPTextModel, CLIPTokenizer

torch.set_num_threads(1)  # these models are too small for more, which spin where other work wants the cores
SIDE_PX = 64
WIDTH = 32
"""Of what stands for a word."""
WORDS = ("a", "fox", "climbs", "the", "wall", "photo", "of", "dog")


def seeded(make: Callable[..., Any]) -> Callable[..., Any]:
    """The same weights each time."""

    def made(*args: Any, **kwargs: Any) -> Any:
        torch.manual_seed(0)
        return make(*args, **kwargs)

    return made


def tokenizer() -> CLIPTokenizer:
    """Of a few words; any other is unknown."""
    pieces = ["<|startoftext|>", "<|endoftext|>", "!", *(f"{word}</w>" for word in WORDS)]
    return CLIPTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[], model_max_length=16)


@seeded
def text_encoder(kind: type = CLIPTextModel) -> Any:
    """CLIP's."""
    config = CLIPTextConfig(
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
        hidden_size=WIDTH,
        projection_dim=WIDTH,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=64,
        max_position_embeddings=16,
    )
    return kind(config).eval()


@seeded
def unet(**changes: Any) -> Any:
    """Two levels of 4 and 8 channels."""
    config: dict[str, Any] = {
        "block_out_channels": (4, 8),
        "layers_per_block": 1,
        "sample_size": SIDE_PX // 2,
        "in_channels": 4,
        "out_channels": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": WIDTH,
        "attention_head_dim": 2,
        "norm_num_groups": 2,
    }
    return diffusers.UNet2DConditionModel(**config | changes)


@seeded
def vae(latent_channels: int = 4) -> Any:
    """Two pixels a side for one latent."""
    return diffusers.AutoencoderKL(
        block_out_channels=[4, 8],
        down_block_types=["DownEncoderBlock2D", "DownEncoderBlock2D"],
        up_block_types=["UpDecoderBlock2D", "UpDecoderBlock2D"],
        latent_channels=latent_channels,
        norm_num_groups=2,
        shift_factor=0.1,
    )


def scheduler() -> Any:
    """As the models of Stable Diffusion have it."""
    return diffusers.DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, steps_offset=1)


@seeded
def controlnet() -> Any:
    """For the UNet above."""
    return diffusers.ControlNetModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        in_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        conditioning_embedding_out_channels=(2, 4),
        cross_attention_dim=WIDTH,
        attention_head_dim=2,
        norm_num_groups=1,
    )


def image_processor() -> CLIPImageProcessor:
    """What a safety checker sees of an image."""
    return CLIPImageProcessor(crop_size=32, size=32)


@seeded
def strict_safety_checker() -> Any:
    """One that withholds everything."""
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

    text = {"hidden_size": WIDTH, "num_attention_heads": 4, "num_hidden_layers": 1}
    vision = {**text, "image_size": 32, "patch_size": 16, "intermediate_size": 37}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=WIDTH)
    checker = StableDiffusionSafetyChecker(config).eval()
    checker.concept_embeds_weights.data.fill_(-2.0)
    return checker


def quiet(pipeline: Any) -> Any:
    """Without its progress bar on the terminal."""
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
