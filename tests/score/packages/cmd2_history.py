"""A cmd2 application keeps every command. Proper use: the history is cleared."""

import io
import sys
import cmd2

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Shell(cmd2.Cmd):
    def __init__(self):
        super().__init__(stdout=io.StringIO(), allow_cli_args=False)
        self.total = 0

    def do_add(self, args):
        self.total += int(args.arg_list[0])


shell = Shell()
for number in range(int(4000 * SIZE)):
    shell.onecmd_plus_hooks(f"add {number} --account customer-{number % 50} --reason 'monthly fee'")
    if PROPER and number % 100 == 0:
        shell.history.clear()
print(shell.total)
