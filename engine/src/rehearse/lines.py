# Prints the result of each task of a play, one JSON object on each line.
import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: proxmox_mpc_lines
type: stdout
short_description: One JSON object for each task
description: The output that a rehearsal reads.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "proxmox_mpc_lines"

    def report(self, result, failed):
        fields = result._result
        line = {
            "task": result._task.get_name(),
            "host": result._host.get_name(),
            "changed": bool(fields.get("changed")),
            "failed": failed,
            "message": str(fields.get("msg") or fields.get("censored") or "") if failed else "",
        }
        print(json.dumps(line), flush=True)

    def v2_runner_on_ok(self, result):
        self.report(result, False)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.report(result, not ignore_errors)

    def v2_runner_on_unreachable(self, result):
        self.report(result, True)

    def v2_runner_item_on_failed(self, result):
        self.report(result, True)
