"""Models of language."""

from typing import Any

from tests.instrumentation.tiny.parts import WIDTH, seeded
from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration


@seeded
def llama(**changes: Any) -> Any:
    """A decoder of 64 words."""
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=WIDTH,
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
    config = T5Config(
        vocab_size=64, d_model=WIDTH, d_kv=8, d_ff=37, num_layers=1, num_heads=4, decoder_start_token_id=0
    )
    return T5ForConditionalGeneration(config).eval()
