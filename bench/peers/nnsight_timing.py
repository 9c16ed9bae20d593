"""nnsight: Hugging Face's model in its tracing contexts."""
from nnsight import NNsight
from pytorch_timing import Modules, load_hugging_face


class Tool:
    def __init__(self, folder):
        model = load_hugging_face(folder)
        self.model, self.modules = NNsight(model), Modules(model)
        self.n_layers, self.n_heads = self.modules.n_layers, self.modules.n_heads

    def logits(self, tokens):
        with self.model.trace(tokens, use_cache=False):
            logits = self.model.lm_head.output.save()
        return logits

    def run(self, tokens, edits, record):
        # In the order in which a pass comes by.
        order = {"resid_pre": 0, "q": 1, "z": 2}
        stops = [(layer, order[site], site, write) for site, layer, write in edits]
        stops += [(layer, order[site], site, None) for site, layer in record]
        stops.sort(key=lambda stop: stop[:2])
        modules, kept = self.modules, {}
        with self.model.trace(tokens, use_cache=False):
            for layer, _, site, write in stops:
                if site == "q":
                    value = modules.queries(self.model, layer).output
                elif site == "z":
                    value = modules.output(self.model, layer).input
                else:
                    value = modules.block(self.model, layer).input
                view = modules.by_head(site, value)
                if write is None:
                    kept[site, layer] = view.clone()
                else:
                    write(view)
            logits = self.model.lm_head.output.save()
        return logits, kept
