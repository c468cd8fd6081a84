"""A decode step explained: exact bytes, a time between the floor and what silicon does, and a gap whose terms add up."""
import pathlib
import tempfile
import unittest

import cowosim_binary

PACKAGE = "h100_sxm5"
LLAMA3_70B = {"weight_bytes": 69503041536, "kv_bytes_per_token": 327680, "layers": 80, "context": 4096}
# A decoder small enough to simulate whole. Under this name because a workload is found by its model's name, and -I comes first.
SMALL_MODEL = """name: llama3_8b
layers: 8
hidden: 1024
query_heads: 8
kv_heads: 2
head_dim: 128
ffn: 2816
vocabulary: 16384
"""


class Llama3_70b(cowosim_binary.CowosimTest):
    """The run of the README."""

    def setUp(self):
        super().setUp()
        self.run_of_readme = self.shared_run(PACKAGE, "llama3_70b_decode")
        self.workload = self.run_of_readme["workload"]

    def test_bytes_are_exact(self):
        self.assertEqual(self.workload["weight_bytes"], LLAMA3_70B["weight_bytes"])
        # The context is read, and the token that the step appends is written.
        self.assertEqual(self.workload["kv_bytes"], (LLAMA3_70B["context"] + 1) * LLAMA3_70B["kv_bytes_per_token"])

    def test_time_per_token_lies_between_the_floor_and_85_percent_of_peak(self):
        streamed = self.workload["weight_bytes"] + self.workload["kv_bytes"]
        at_peak = streamed / self.run_of_readme["hbm.peak_GBps"]
        self.assertAlmostEqual(self.workload["floor_ns"] / at_peak, 1, places=3)
        self.assertGreaterEqual(self.workload["time_per_token_ns"], self.workload["floor_ns"])
        self.assertLessEqual(self.workload["time_per_token_ns"], self.workload["floor_ns"] / 0.85)
        self.assertAlmostEqual(self.workload["tokens_per_second"] * self.workload["time_per_token_ns"], 1e9, delta=1)

    def test_capacity_holds_the_model_and_its_cache(self):
        capacity = self.run_of_readme["capacity"]
        self.assertEqual(capacity["bytes"], 80 << 30)
        # Weights with the input embedding table (vocabulary x hidden), which is stored but not streamed: one row of it is.
        self.assertEqual(capacity["used"]["weights"], LLAMA3_70B["weight_bytes"] + 128256 * 8192 - 8192)
        self.assertEqual(sum(capacity["used"].values()) + capacity["free"], capacity["bytes"])

    def test_the_extrapolation_is_said(self):
        self.assertIs(self.workload["extrapolated"], True)
        self.assertEqual((self.workload["layers_simulated"], self.workload["layers"]), (1, LLAMA3_70B["layers"]))
        self.assertIn("Extrapolated: 1 of 80 layers", (self.run_of_readme.directory / "summary.txt").read_text())

    def test_the_summary_is_the_answer(self):
        summary = (self.run_of_readme.directory / "summary.txt").read_text()
        first = " ".join(summary.splitlines()[:2])
        self.assertIn(f"{self.workload['time_per_token_ns'] / 1e6:.2f} ms per token", first)
        self.assertIn(f"the floor is {self.workload['floor_ns'] / 1e6:.2f} ms", first)
        for part in ("Time per token, from its floor up", "+ refresh", "= measured", "How much of each peak", "HBM (5 stacks)",
                     "L2 of die_0", "phy up links", "cores", "Latency of a transaction by stage", "Who waited for whom", "Memory:"):
            self.assertIn(part, summary)


class Explained(cowosim_binary.CowosimTest):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="cowosim-models-")
        cls.addClassCleanup(temporary.cleanup)
        cls.models = pathlib.Path(temporary.name)
        (cls.models / "llama3_8b.yaml").write_text(SMALL_MODEL)

    def decode(self, *settings):
        arguments = [word for setting in settings for word in ("-s", f"workload.{setting}")]
        return self.shared_run(PACKAGE, "llama3_8b_decode", "-I", self.models, *arguments)

    def test_floor_and_gap_terms_are_the_measured_time(self):
        for settings in (("layers=8",), ("layers=2",), ("layers=1", "batch=4")):
            with self.subTest(settings=settings):
                workload = self.decode(*settings)["workload"]
                total = workload["floor_ns"] + sum(term["ns"] for term in workload["floor_gap"])
                self.assertAlmostEqual(total, workload["measured_ns"], delta=0.01)
                self.assertAlmostEqual(sum(term["ns"] for term in workload["floor"]), workload["floor_ns"], delta=0.01)
                unexplained = next(term["ns"] for term in workload["floor_gap"] if term["term"] == "unexplained")
                self.assertLess(abs(unexplained), 0.01 * workload["measured_ns"])

    def test_stages_and_losses_add_up(self):
        run = self.decode("layers=2")
        for latency in (run["latency_ns"], run["streams.llama3_8b_decode.latency_ns"]):
            self.assertAlmostEqual(sum(stage["mean"] for stage in latency["stages"].values()), latency["mean"], places=6)
            self.assertAlmostEqual(sum(stage["share"] for stage in latency["stages"].values()), 1, places=9)
        for section in ("hbm", "compute"):
            self.assertAlmostEqual(run[f"{section}.utilization"] + sum(run[f"{section}.loss"].values()), 1, places=9, msg=section)

    def test_bytes_follow_from_the_shapes(self):
        hidden, heads, kv_heads, width, ffn, vocabulary, layers, context = 1024, 8, 2, 128, 2816, 16384, 8, 4096
        norms = 2 * hidden
        layer = 2 * hidden * heads * width + 2 * hidden * kv_heads * width + 3 * hidden * ffn + norms
        weights = layers * layer + hidden + vocabulary * hidden + hidden  # final norm, LM head, one row of the embedding
        for bytes_per_element in (1, 2):
            workload = self.decode("layers=1", f"weight_bytes_per_element={bytes_per_element}")["workload"]
            self.assertEqual(workload["weight_bytes"], weights * bytes_per_element)
        self.assertEqual(workload["kv_bytes"], (context + 1) * layers * 2 * kv_heads * width * 2)

    def test_simulating_more_layers_changes_bytes_not_at_all_and_time_little(self):
        whole = self.decode("layers=8", "head_slices=1")["workload"]
        self.assertIs(whole["extrapolated"], False)
        sampled = self.decode("layers=2", "head_slices=1")["workload"]
        self.assertIs(sampled["extrapolated"], True)
        for exact in ("weight_bytes", "kv_bytes", "floor_ns"):
            self.assertEqual(sampled[exact], whole[exact], exact)
        self.assertAlmostEqual(sampled["time_per_token_ns"] / whole["time_per_token_ns"], 1, delta=0.03)

    def test_operators_follow_each_other(self):
        operators = self.decode("layers=8")["workload.operators"]
        for before, after in zip(operators, operators[1:]):
            self.assertLess(before["start_ns"], before["end_ns"])
            self.assertLessEqual(before["end_ns"], after["start_ns"])
        self.assertEqual(len({operator["name"] for operator in operators}), len(operators))

    def test_a_batch_shares_the_weights(self):
        one = self.decode("layers=1")["workload"]
        four = self.decode("layers=1", "batch=4")["workload"]
        self.assertEqual(four["tokens"], 4)
        self.assertEqual(four["kv_bytes"], 4 * one["kv_bytes"])
        self.assertLess(four["time_per_token_ns"], 2 * one["time_per_token_ns"])
        self.assertAlmostEqual(four["tokens_per_second"], 4 * four["tokens_per_second_per_user"], places=3)

    def test_a_step_cut_off_claims_no_time_per_token(self):
        run = self.run_cowosim(PACKAGE, "llama3_8b_decode", "-I", self.models, "--until", "20us")
        self.assertEqual(run["status"], "time_limit")
        self.assertNotIn("time_per_token_ns", run["workload"], "nobody has seen the end of this step")
        self.assertNotIn("per token", (run.directory / "summary.txt").read_text().splitlines()[0])


if __name__ == "__main__":
    unittest.main()
