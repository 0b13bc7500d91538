"""`python -m spanwand_sidecar` is `spanwand`."""

from spanwand_sidecar.cli import main

if __name__ == "__main__":
    main()
