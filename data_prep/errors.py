"""The one exception that stands for a mistake of the user's."""


class UserError(ValueError):
    """The user's input is at fault, not the program.

    A command prints it as one line and ends with exit code 2, without a traceback. The message
    names what is wrong, the rule, the value and the remedy; line breaks that came in with a
    value (a file name may hold one) are made spaces, so that it is one line whatever happens.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))
