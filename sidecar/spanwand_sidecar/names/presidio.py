"""Presidio as the engine: `python -m spanwand_sidecar.names.presidio NUMBER SETTINGS`, started by `engine`."""

import sys
from pathlib import Path

import msgspec

from spanwand.errors import ConfigError
from spanwand.redact_config import PresidioConfig
from spanwand_sidecar.names.serve import Look, serve
from spanwand_sidecar.names.texts import Found


def open_look(config: PresidioConfig) -> Look:
    """Load the model. Raises ConfigError if there is none, or for entities that it does not know."""
    import spacy.util
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    language, entities = config.language, list(config.entities)
    model = {"lang_code": language, "model_name": config.model}
    if not (spacy.util.is_package(config.model) or Path(config.model).is_dir()):
        raise ConfigError(f"model: {config.model!a} is no model of spaCy; it is never downloaded")
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [model]})
    analyzer = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=[language])
    known = sorted(analyzer.get_supported_entities(language))
    unknown = [entity for entity in entities if entity not in known]
    if unknown:
        raise ConfigError(f"entities: there is no {unknown[0]}; there are {', '.join(known)}")

    def look(text: str) -> list[Found]:
        finds = analyzer.analyze(text, language, entities=entities, score_threshold=config.score)
        return [(find.start, find.end, find.entity_type) for find in finds]

    return look


if __name__ == "__main__":
    settings = msgspec.json.decode(sys.argv[2])
    serve(int(sys.argv[1]), lambda: open_look(PresidioConfig.model_validate(settings)))
