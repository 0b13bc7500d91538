"""What `generate` returned: how many tokens went in and came out, and why each answer ended.

Read when the call is over: before, to count would be to wait for the device.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from spanwand.dialects.written import Fields
from spanwand.instrumentation.transformers.asked import setting

_ROWS = 2
"""Dimensions of token ids: answers, and their tokens."""


def answered(model: Any, arguments: Mapping[str, Any], output: Any) -> Fields:
    """Counts, and a reason for each answer. Of what is no text (music, say) nothing is known."""
    asked = _asked(arguments)
    ids = getattr(output, "sequences", output)
    fields: dict[str, Any] = {"usage.input_tokens": _input_tokens(asked, arguments)}
    if len(getattr(ids, "shape", ())) != _ROWS or ids.is_floating_point():
        return fields
    answers = ids[:, _prompt_length(model, asked, arguments) :].tolist()
    ends, most = _ends(model, arguments), setting(model, arguments, "max_new_tokens")
    lengths = [length_of(answer, ends) for answer in answers]
    reasons = [reason_of(answer[:length], ends, most) for answer, length in zip(answers, lengths, strict=True)]
    return {**fields, "usage.output_tokens": sum(lengths), "finish_reasons": tuple(reasons)}


def length_of(answer: Sequence[int], ends: Collection[int]) -> int:
    """Tokens of an answer with the one that ends it; behind that is padding."""
    return next((index + 1 for index, token in enumerate(answer) if token in ends), len(answer))


def reason_of(answer: Sequence[int], ends: Collection[int], most: int | None) -> str:
    """Why an answer ended."""
    is_cut = most is not None and len(answer) >= most and answer[-1] not in ends
    return "length" if is_cut else "stop"


def _asked(arguments: Mapping[str, Any]) -> Any:
    """The ids of the prompts; None if they came otherwise, as embeddings or sound."""
    found = (arguments.get(name) for name in ("input_ids", "inputs"))
    ids: Any = next((ids for ids in found if ids is not None), None)
    return ids if len(getattr(ids, "shape", ())) == _ROWS and not ids.is_floating_point() else None


def _input_tokens(asked: Any, arguments: Mapping[str, Any]) -> int | None:
    """Without padding, as far as a mask tells."""
    mask = arguments.get("attention_mask")
    if asked is None:
        return None
    return int(asked.numel() if mask is None or mask.shape != asked.shape else mask.sum())


def _prompt_length(model: Any, asked: Any, arguments: Mapping[str, Any]) -> int:
    """How much of what is returned was there before."""
    if getattr(model.config, "is_encoder_decoder", False):
        begun = arguments.get("decoder_input_ids")
        return 1 if begun is None else int(begun.shape[1])
    if asked is not None:
        return int(asked.shape[1])
    return 0 if arguments.get("inputs_embeds") is not None else 1


def _ends(model: Any, arguments: Mapping[str, Any]) -> frozenset[int]:
    found = setting(model, arguments, "eos_token_id")
    return frozenset(found if isinstance(found, list | tuple) else () if found is None else (found,))
