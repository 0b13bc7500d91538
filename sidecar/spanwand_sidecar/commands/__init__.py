"""The subcommands, one file each; `spanwand_sidecar.cli` names them."""
