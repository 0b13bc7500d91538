"""Real pipelines of `diffusers` with tiny, random weights, made from the models' own configurations: no download."""

from collections.abc import Callable
from typing import Any

import diffusers
import torch
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

torch.set_num_threads(1)  # these models are too small for more, which spin where other work wants the cores
SIDE_PX = 64
WORDS = ("a", "fox", "climbs", "the", "wall", "photo", "of", "dog")
_WIDTH = 32


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
        hidden_size=_WIDTH,
        projection_dim=_WIDTH,
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
        "cross_attention_dim": _WIDTH,
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


def stable_diffusion(kind: type = diffusers.StableDiffusionPipeline, **more: Any) -> Any:
    """A pipeline of the family of Stable Diffusion."""
    parts = {
        "unet": unet(),
        "scheduler": scheduler(),
        "vae": vae(),
        "text_encoder": text_encoder(),
        "tokenizer": tokenizer(),
        "safety_checker": None,
        "feature_extractor": None,
    }
    return quiet(kind(**parts | more))


@seeded
def controlnet() -> Any:
    """For the UNet above."""
    return diffusers.ControlNetModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        in_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        conditioning_embedding_out_channels=(2, 4),
        cross_attention_dim=_WIDTH,
        attention_head_dim=2,
        norm_num_groups=1,
    )


def sdxl() -> Any:
    """Two text encoders, and sizes among the conditions."""
    denoiser = unet(
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=6 * 8 + _WIDTH,
        cross_attention_dim=2 * _WIDTH,
    )
    return quiet(
        diffusers.StableDiffusionXLPipeline(
            unet=denoiser,
            scheduler=scheduler(),
            vae=vae(),
            text_encoder=text_encoder(),
            tokenizer=tokenizer(),
            text_encoder_2=text_encoder(CLIPTextModelWithProjection),
            tokenizer_2=tokenizer(),
        )
    )


@seeded
def sd3() -> Any:
    """Without T5, which is optional."""
    transformer = diffusers.SD3Transformer2DModel(
        sample_size=32,
        patch_size=1,
        in_channels=4,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=_WIDTH * 2,
        caption_projection_dim=_WIDTH,
        pooled_projection_dim=_WIDTH * 2,
        out_channels=4,
    )
    return quiet(
        diffusers.StableDiffusion3Pipeline(
            transformer=transformer,
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
            vae=vae(),
            text_encoder=text_encoder(CLIPTextModelWithProjection),
            tokenizer=tokenizer(),
            text_encoder_2=text_encoder(CLIPTextModelWithProjection),
            tokenizer_2=tokenizer(),
            text_encoder_3=None,
            tokenizer_3=None,
        )
    )


@seeded
def flux() -> Any:
    """Without text encoders: prompts come encoded, as many services keep them."""
    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=_WIDTH,
        pooled_projection_dim=_WIDTH,
        axes_dims_rope=[4, 4, 8],
        guidance_embeds=True,
    )
    return quiet(
        diffusers.FluxPipeline(
            transformer=transformer,
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
            vae=vae(),
            text_encoder=None,
            tokenizer=None,
            text_encoder_2=None,
            tokenizer_2=None,
        )
    )


def flux_prompts(count: int = 1) -> dict[str, Any]:
    """Encoded prompts for `flux`."""
    return {"prompt_embeds": torch.zeros(count, 8, _WIDTH), "pooled_prompt_embeds": torch.zeros(count, _WIDTH)}


@seeded
def text_to_video() -> Any:
    """ModelScope's."""
    denoiser = diffusers.UNet3DConditionModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
        cross_attention_dim=_WIDTH,
        attention_head_dim=4,
        norm_num_groups=2,
    )
    parts = {"unet": denoiser, "scheduler": scheduler(), "vae": vae()}
    parts |= {"text_encoder": text_encoder(), "tokenizer": tokenizer()}
    return quiet(diffusers.TextToVideoSDPipeline(**parts))


@seeded
def unconditional() -> Any:
    """No prompt, no VAE, and a loop that runs over its progress bar."""
    denoiser = diffusers.UNet2DModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        sample_size=32,
        norm_num_groups=2,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    return quiet(diffusers.DDIMPipeline(unet=denoiser, scheduler=diffusers.DDIMScheduler()))


@seeded
def kandinsky() -> Any:
    """A pipeline of two: a prior that makes an embedding of an image, and the decoder that makes the image."""
    vision = CLIPVisionConfig(
        hidden_size=_WIDTH,
        projection_dim=_WIDTH,
        image_size=32,
        patch_size=16,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=37,
    )
    movq = diffusers.VQModel(
        block_out_channels=[32, 64],
        down_block_types=["DownEncoderBlock2D", "AttnDownEncoderBlock2D"],
        up_block_types=["AttnUpDecoderBlock2D", "UpDecoderBlock2D"],
        latent_channels=4,
        num_vq_embeddings=12,
        vq_embed_dim=4,
        norm_type="spatial",
        norm_num_groups=8,
    )
    denoiser = unet(
        out_channels=8,
        addition_embed_type="image",
        encoder_hid_dim=_WIDTH,
        encoder_hid_dim_type="image_proj",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        resnet_time_scale_shift="scale_shift",
    )
    prior = diffusers.PriorTransformer(
        num_attention_heads=2, attention_head_dim=12, embedding_dim=_WIDTH, num_layers=1, num_embeddings=16
    )
    return quiet(
        diffusers.KandinskyV22CombinedPipeline(
            unet=denoiser,
            scheduler=diffusers.DDIMScheduler(beta_schedule="linear", clip_sample=False, prediction_type="epsilon"),
            movq=movq,
            prior_prior=prior,
            prior_image_encoder=CLIPVisionModelWithProjection(vision).eval(),
            prior_text_encoder=text_encoder(CLIPTextModelWithProjection),
            prior_tokenizer=tokenizer(),
            prior_scheduler=diffusers.UnCLIPScheduler(
                variance_type="fixed_small_log",
                prediction_type="sample",
                num_train_timesteps=1000,
                clip_sample_range=5.0,
            ),
            prior_image_processor=image_processor(),
        )
    )


def quiet(pipeline: Any) -> Any:
    """Without its progress bar on the terminal."""
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def image_processor() -> CLIPImageProcessor:
    """What a safety checker sees of an image."""
    return CLIPImageProcessor(crop_size=32, size=32)


@seeded
def strict_safety_checker() -> Any:
    """One that withholds everything."""
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

    text = {"hidden_size": _WIDTH, "num_attention_heads": 4, "num_hidden_layers": 1}
    vision = {**text, "image_size": 32, "patch_size": 16, "intermediate_size": 37}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=_WIDTH)
    checker = StableDiffusionSafetyChecker(config).eval()
    checker.concept_embeds_weights.data.fill_(-2.0)
    return checker


@seeded
def llama(**changes: Any) -> Any:
    """A decoder of 64 words."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64,
        hidden_size=_WIDTH,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
        **changes,
    )
    return LlamaForCausalLM(config).eval()


@seeded
def t5() -> Any:
    """An encoder and a decoder."""
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        vocab_size=64, d_model=_WIDTH, d_kv=8, d_ff=37, num_layers=1, num_heads=4, decoder_start_token_id=0
    )
    return T5ForConditionalGeneration(config).eval()
