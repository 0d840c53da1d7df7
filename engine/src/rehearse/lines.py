# Says what each task of a play came to, one JSON object a line.
import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: proxmox_mpc_lines
type: stdout
short_description: One JSON object for each task
description: What a rehearsal reads.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "proxmox_mpc_lines"

    def say(self, result, failed):
        told = result._result
        line = {
            "task": result._task.get_name(),
            "host": result._host.get_name(),
            "changed": bool(told.get("changed")),
            "failed": failed,
            "message": str(told.get("msg") or told.get("censored") or "") if failed else "",
        }
        print(json.dumps(line), flush=True)

    def v2_runner_on_ok(self, result):
        self.say(result, False)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.say(result, not ignore_errors)

    def v2_runner_on_unreachable(self, result):
        self.say(result, True)

    def v2_runner_item_on_failed(self, result):
        self.say(result, True)
