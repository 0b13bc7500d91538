"""Pipelines of each family."""

from typing import Any

import diffusers
import torch
from tests.instrumentation.tiny.parts import (
    WIDTH,
    image_processor,
    quiet,
    scheduler,
    seeded,
    text_encoder,
    tokenizer,
    unet,
    vae,
)
from transformers import CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection


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


def sdxl() -> Any:
    """Two text encoders, and sizes among the conditions."""
    denoiser = unet(
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        cross_attention_dim=2 * WIDTH,
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
        joint_attention_dim=WIDTH * 2,
        caption_projection_dim=WIDTH,
        pooled_projection_dim=WIDTH * 2,
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
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
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
    return {"prompt_embeds": torch.zeros(count, 8, WIDTH), "pooled_prompt_embeds": torch.zeros(count, WIDTH)}


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
        cross_attention_dim=WIDTH,
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
        hidden_size=WIDTH,
        projection_dim=WIDTH,
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
        encoder_hid_dim=WIDTH,
        encoder_hid_dim_type="image_proj",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        resnet_time_scale_shift="scale_shift",
    )
    prior = diffusers.PriorTransformer(
        num_attention_heads=2, attention_head_dim=12, embedding_dim=WIDTH, num_layers=1, num_embeddings=16
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
