"""Invalid settings, reported without their values."""


class SettingsError(Exception):
    """The configuration is invalid; ``problems`` names each setting and its problem, never its value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
