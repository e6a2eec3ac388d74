"""What `make lab` adds to Jupyter: notebooks open as saved, and are saved clean.

JupyterLab writes into a notebook which kernel it runs on, and then takes the notebook
for changed. So it finds there what it would write; on saving that is taken out again.
"""

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbdev.clean import clean_nb


class Notebooks(AsyncLargeFileManager):
    "The project's files, with notebooks as JupyterLab would have them."

    async def get(self, path, content=True, *args, **options):
        model = await super().get(path, content, *args, **options)
        if content and model["type"] == "notebook":
            name_kernel(model["content"]["metadata"])
        return model

    async def save(self, model, path=""):
        if model["type"] == "notebook" and model.get("content"):
            for cell in model["content"]["cells"]:
                if outputs := cell.get("outputs"):
                    cell["outputs"] = [o for o in outputs if o.get("name") != "stderr"]
            clean_nb(model["content"])
        return await super().save(model, path)


def name_kernel(metadata: dict) -> None:
    "Say of a notebook's kernel all that JupyterLab says."
    name = metadata.get("kernelspec", {}).get("name")
    if name in (kernels := KernelSpecManager().get_all_specs()):
        spec = kernels[name]["spec"]
        known = {key: spec[key] for key in ("display_name", "language")}
        metadata["kernelspec"] = {"name": name, **known}
        if spec["language"] == "python":
            metadata["language_info"] = IPythonKernel.language_info


c = get_config()  # noqa: F821  # Jupyter defines it
c.ServerApp.contents_manager_class = Notebooks
