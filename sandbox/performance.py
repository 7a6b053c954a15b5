"""Runs the commands of a box on a line, in order."""

from dataclasses import dataclass, field

from .commands import (
    ClearUserData,
    Command,
    CommandError,
    Exit,
    GetData,
    MusicOnHold,
    PlayAnnouncement,
    Playback,
    SetExten,
    SetLimitOnCall,
)
from .line import END, Line
from .parser import parse
from .prompts import PromptMaker
from .speech import ERROR, Box, Speech


@dataclass(slots=True)
class Performance:
    """What a call carries from one box to the next."""

    speech: Speech
    line: Line
    prompts: PromptMaker
    # The keys that were pressed so far.
    data: str = ""
    # Number of the following call, and its limit in seconds.
    exten: str = ""
    limit: int | None = None
    _case: str = field(default="", init=False)

    async def run(self, commands: str, box: Box) -> str:
        """Run the commands, and return the case by which the box is left.

        Raises:
            CommandError: at the first command that is wrong; those before it were run.
        """
        self._case = ""
        for command in parse(commands):
            await self._run(command)
        if self._case == ERROR or self._case not in box.outputs:
            raise CommandError(f"Exit: the box has no case {self._case}")
        return self._case

    async def _run(self, command: Command) -> None:
        match command:
            case PlayAnnouncement(file):
                await self.line.play(self.prompts.announcement(file))
            case Playback():
                await self.line.play(self.prompts.sound(command))
            case GetData():
                await self._get_data(command)
            case MusicOnHold():
                await self.line.play(self.prompts.music(command))
            case SetExten(number):
                self.exten = number
            case SetLimitOnCall(seconds):
                self.limit = seconds
            case ClearUserData():
                self.data = ""
            case Exit(case):
                self._case = case
            case spoken:
                await self.line.play(self.prompts.spoken(spoken))

    async def _get_data(self, command: GetData) -> None:
        """Ask for keys.

        Raises:
            CommandError: a sound does not exist, or there was no key.
        """
        sounds = [self.prompts.announcement(file) for file in command.files]
        typed = await self.line.listen(sounds, command.timeout, command.max_digits)
        if not typed and self.speech.no_key == "error":
            raise CommandError("GetData: there was no key")
        self.data += typed if self.speech.keeps_hash else typed.removesuffix(END)
