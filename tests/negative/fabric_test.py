"""Fabrics and synthetic traffic that are wrong: the exact message, exit code 2, nothing half written, and nothing hangs."""
import unittest

import cowosim_binary

# Four routers in a row, a terminal at each end; what a file says is put in.
ROW = """fabric:
  topology: custom
  clocks:
    fast: {{frequency: 2GHz}}
  routers:
    a: {{}}
    b: {routers}
    centre: {{}}
    d: {{}}
  links:
    ab: {{from: a, to: b}}
    bc: {links}
    cd: {{from: centre, to: d}}
  terminals:
    t0: {{router: a}}
    t1: {terminals}
"""


def row(routers="{}", links="{from: b, to: centre}", terminals="{router: d}", below=""):
    return ROW.format(routers=routers, links=links, terminals=terminals) + below


# What is written -> line:column and the message.
FILES = {
    "a router that nothing leads to": (
        row(below="  routing: up_down\n").replace("    cd: {from: centre, to: d}\n", ""),
        "9:8: error: fabric.routers.d: is disconnected: no links lead from 'a' to d; join them or leave them out"),
    "a link of one way": (
        row(links="{from: b, to: centre, direction: forward}"),
        "12:9: error: fabric.links.bc: is one-way: credits need a way back; `direction: both` would be right, or another forward link "
        "from 'centre' to 'b'"),
    "a width that is no ratio": (
        row(links="{from: b, to: centre, width: 96}"),
        "12:38: error: fabric.links.bc.width: 96 bits and a flit of 256 are an impossible width ratio: one must be a multiple of the other; "
        "64 or 128 would be right"),
    "a width of all links": (
        "fabric:\n  topology: mesh\n  link: {width: 48}\n",
        "3:17: error: fabric.link.width: 48 bits and a flit of 256 are an impossible width ratio: one must be a multiple of the other; "
        "32 or 64 would be right"),
    "a width of a terminal": (
        row(terminals="{router: d, width: 1000}"),
        "16:28: error: fabric.terminals.t1.width: 1000 bits and a flit of 256 are an impossible width ratio: one must be a multiple of the "
        "other; 768 or 1024 would be right"),
    "a cyclic dependency": (
        "fabric:\n  topology: ring\n  nodes: 5\n  routing: shortest_path\n",
        "4:12: error: fabric.routing: router_0_router_1 vc 0 -> router_1_router_2 vc 0 -> router_2_router_3 vc 0 -> router_3_router_4 vc 0 -> "
        "router_4_router_0 vc 0 -> router_0_router_1 vc 0 wait for each other in a circle: packets can block each other for ever; up_down has "
        "no such circle on any topology, dimension_order none on a mesh or torus, and minimal_adaptive always a way out of it"),
    "an unknown router": (
        row(links="{from: b, to: center}"),
        "12:23: error: fabric.links.bc.to: there is no router 'center'; did you mean 'centre'?; there are a, b, centre, d"),
    "no router": (row(links="{from: b}"), "12:9: error: fabric.links.bc.to: names no router; there are a, b, centre, d"),
    "a terminal of an unknown router": (
        row(terminals="{router: north}"), "16:18: error: fabric.terminals.t1.router: there is no router 'north'; there are a, b, centre, d"),
    "an unknown clock": (
        row(routers="{clock: fats}"), "7:16: error: fabric.routers.b.clock: there is no clock 'fats'; did you mean 'fast'?; there are fast"),
    "an unknown clock of a link": (
        row(links="{from: b, to: centre, clock: slow}"), "12:38: error: fabric.links.bc.clock: there is no clock 'slow'; there are fast"),
    "a link from a router to itself": (
        row(links="{from: b, to: b}"), "12:23: error: fabric.links.bc.to: leads from 'b' to itself; another router would be right"),
    "dimensions where there are none": (
        row(below="  routing: dimension_order\n"),
        "17:12: error: fabric.routing: dimension_order: the topology is no grid; it needs a mesh or torus, up_down and shortest_path take any "
        "topology"),
    "turns around a torus": (
        "fabric:\n  topology: torus\n  routing: west_first\n",
        "3:12: error: fabric.routing: west_first: its turns leave circles around a torus; it needs a mesh, dimension_order takes a torus"),
    "a torus with one virtual channel": (
        "fabric:\n  topology: torus\n  router: {virtual_channels: 1}\n",
        "3:30: error: fabric.router.virtual_channels: 1 is too few for dimension_order, must be 2 or more: on a torus one half is for packets "
        "that cross the dateline"),
    "an escape without a channel": (
        "fabric:\n  topology: mesh\n  routing: minimal_adaptive\n  router: {virtual_channels: 1}\n",
        "4:30: error: fabric.router.virtual_channels: 1 is too few for minimal_adaptive, must be 2 or more: the first one is the escape"),
    "ways of no weight": (
        row(links="{from: b, to: centre, weight: 0}", below="  routing: weighted_multipath\n"),
        "17:12: error: fabric.routing: weighted_multipath: no way from 'centre' to 'a' over links of a weight above zero"),
    "wires of no length": (
        row(below="  link: {delay_per_mm: 7ps}\n"),
        "11:9: error: fabric.links.ab.length: link.delay_per_mm needs it, and 'a' and 'b' are at the same place; give it, or their positions "
        "(x, y)"),
    "nothing in it": ("fabric:\n  topology: custom\n", "2:3: error: fabric.routers: a custom network needs at least one router"),
    "no terminals": (
        row().replace("  terminals:\n    t0: {router: a}\n    t1: {router: d}\n", ""),
        "2:3: error: fabric.terminals: a custom network needs at least one terminal"),
    "links of a mesh": (
        "fabric:\n  topology: mesh\n  links:\n    a: {from: b, to: centre}\n",
        "4:5: error: fabric.links: belongs to custom networks, but topology is 'mesh': leave one of the two out"),
    "the same name twice": (row(below="    t0: {router: b}\n"), "17:5: error: fabric.terminals.t0: is given twice, first in line 15; keep one"),
    "a topology nobody knows": (
        "fabric:\n  topology: mehs\n",
        "2:13: error: fabric.topology: 'mehs' is not a choice; did you mean 'mesh'? expected one of none, mesh, torus, ring, crossbar, "
        "fully_connected, custom"),
    "no topology": (
        "fabric:\n  k: 3\n",
        "2:3: error: fabric.topology: none, and no hbm: the platform is empty; give memory, or a fabric (mesh, torus, ring, crossbar, "
        "fully_connected, custom)"),
    "an unknown key": (
        "fabric:\n  topology: mesh\n  router: {virtual_chanels: 3}\n",
        "3:12: error: fabric.router.virtual_chanels: unknown key; did you mean 'virtual_channels'?"),
    "a list of routers": (
        "fabric:\n  topology: custom\n  routers: [a, b]\n", "3:12: error: fabric.routers: is a list; expected a section of named entries"),
    "more terminals than numbers": (
        "fabric:\n  topology: mesh\n  k: 64\n  terminals_per_router: 64\n", "2:3: error: fabric.terminals: are 262144, must be at most 65534"),
    "a fabric and dies": (
        "extends: h100_sxm5\nfabric:\n  topology: mesh\n",
        "3:13: error: fabric.topology: a fabric between dies is not modelled yet: give dies or a fabric, not both"),
}

# What runs (a platform is reference/mesh if none is named) -> the message.
MESH = str(cowosim_binary.SOURCE_DIR / "platforms/presets/reference/mesh.yaml")
RUNS = {
    ("stream",): "command line: error: workloads.stream.workload: 'stream' asks for memory, and this platform is a fabric alone: run 'synthetic'",
    ("-w", "a=synthetic", "-w", "b=gemm"):
        "command line: error: workloads.b.workload: 'gemm' asks for memory, and this platform is a fabric alone: run 'synthetic'",
    ("-s", "fabric.columns=3", "-s", "workload.pattern=transpose"):
        "--set:2:29: error: workloads.synthetic.pattern: 'transpose' needs a square grid, and there are 3 columns and 4 rows",
    ("-s", "fabric.k=3", "-s", "workload.pattern=bitrev"):
        "--set:2:29: error: workloads.synthetic.pattern: 'bitrev' needs a power of two of nodes, and there are 9",
    ("-s", "fabric.terminals_per_router=2", "-s", "workload.pattern=neighbor"):
        "--set:2:29: error: workloads.synthetic.pattern: 'neighbor' needs a grid, and this fabric is none",
    ("-s", "workload.pattern=hotspot", "-s", "workload.hotspots=[3, 99]"):
        "--set:2:30: error: workloads.synthetic.hotspots: there is no node 99; nodes are 0 to 15",
    ("-s", "workload.pattern=tornadoo"):
        "--set:1:29: error: workloads.synthetic.pattern: 'tornadoo' is not a choice; did you mean 'tornado'? expected one of uniform, "
        "transpose, bitcomp, bitrev, shuffle, tornado, neighbor, hotspot, permutation",
    ("-s", "workload.pattern=permutation"):
        f"{MESH}:5:19: error: workloads.synthetic.permutation_file: a permutation needs a file: --set workload.permutation_file=FILE",
    ("-s", "workload.pattern=permutation", "-s", "workload.permutation_file=nowhere"):
        "nowhere: error: cannot read the permutation: No such file or directory",
    ("-s", "workload.rate=1.5"): "--set:1:26: error: workloads.synthetic.rate: '1.5' is out of range; expected 0 to 1",
    ("-s", "workload.packet_flits=0"): "--set:1:34: error: workloads.synthetic.packet_flits: '0' is out of range; expected 1 to 4096",
    ("-s", "workload.injection=bursty", "-s", "workload.burst_rate=0.05"):
        "--set:2:32: error: workloads.synthetic.burst_rate: 0.05 is less than rate (0.1), which is the average over bursts and pauses; give "
        "at least that",
    ("-w", "a=synthetic", "-w", "b=synthetic", "-s", "b.background=true"):
        "--set:1:24: error: workloads.b.background: 'synthetic' comes from a source here, not from cores: it cannot start over",
    ("-s", "fabric.router.switching=virtual_cut_through", "-s", "workload.packet_flits=9"):
        f"{MESH}:14:19: error: fabric.router.buffer_flits: virtual_cut_through: packets of synthetic have 9 flits and never fit; give at "
        "least 9, or shared_buffer_flits",
    ("-s", "fabric.routing=shortest"):
        "--set:1:16: error: fabric.routing: 'shortest' is not a choice; did you mean 'shortest_path'? expected one of auto, dimension_order, "
        "shortest_path, up_down, west_first, minimal_adaptive, weighted_multipath",
    ("-s", "fabric.topology=crossbar"):
        f"{MESH}:11:12: error: fabric.routing: dimension_order: the topology is no grid; it needs a mesh or torus, up_down and shortest_path "
        "take any topology",
    ("-s", "fabric.k=65"): "--set:1:10: error: fabric.k: '65' is out of range; expected 1 to 64",
    ("-s", "fabric.router.vc_allocator=isslip"):
        "--set:1:28: error: fabric.router.vc_allocator: 'isslip' is not a choice; did you mean 'islip'? expected one of islip, round_robin, matrix",
    ("-s", "fabric.qos.streams.low.priority=2"): "--set:1:1: error: fabric.qos.streams.low.priority: no such parameter",
    ("--window", "1us"): "error: window: 1000 ns is outside (0, 20 ns]: the platform's W is set by default",
}

# Of 16 nodes: what the file says -> line:column and the message.
PERMUTATIONS = {
    "0 1\n1 0\n": "error: no destination for node 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 ... (2 more); each of the 16 nodes has one",
    "".join(f"{n} {max(n, 1)}\n" for n in range(16)):
        "2:3: error: destination: node 1 is already a destination in line 1; in a permutation each node is one once",
    "0 99\n": "1:3: error: destination: there is no node 99; nodes are 0 to 15",
    "a b\n": "1:1: error: source: 'a' is not the number of a node; nodes are 0 to 15",
    "0 1 2\n": "1:5: error: a line has `source destination`, or the destination alone",
    "0 1\n1\n": "2:1: error: one number here, but two in line 1; all lines have one form",
}


class Fabric(cowosim_binary.CowosimTest):
    def test_platform_files(self):
        for what, (text, message) in FILES.items():
            with self.subTest(what=what):
                file = self.write("platform.yaml", text)
                self.assert_rejected(file, "stream" if "extends" in text else "synthetic", message=f"{file}:{message}")
                self.assert_rejected(file, subcommand="validate", message=f"{file}:{message}")

    def test_the_file_that_these_are_made_of_is_right(self):
        # The negative control: what is reported above is what was put in.
        file = self.write("platform.yaml", row())
        self.assertEqual(cowosim_binary.call("validate", file).stdout, f"{file}: valid platform\n")

    def test_all_errors_are_reported_at_once(self):
        file = self.write("platform.yaml", row(routers="{clock: fats}", links="{from: b, to: e}", terminals="{router: e}"))
        done = cowosim_binary.call("validate", file)
        self.assertEqual([line.split(": error: ")[1].split(":")[0] for line in done.stderr.splitlines()],
                         ["fabric.routers.b.clock", "fabric.links.bc.to", "fabric.terminals.t1.router"])

    def test_runs(self):
        for arguments, message in RUNS.items():
            with self.subTest(arguments=arguments):
                self.assert_rejected("reference/mesh", *arguments, message=message)

    def test_traffic_needs_a_fabric(self):
        self.assert_rejected("h100_sxm5", "synthetic", message="command line: error: workloads.synthetic.workload: 'synthetic' runs between the "
                                                               "terminals of a fabric, and this platform has none (fabric.topology)")

    def test_permutations(self):
        for text, message in PERMUTATIONS.items():
            with self.subTest(text=text):
                file = self.write("permutation.txt", text)
                separator = "" if message[0].isdigit() else " "
                self.assert_rejected("reference/mesh", "-s", "workload.pattern=permutation", "-s", f"workload.permutation_file={file}",
                                     message=f"{file}:{separator}{message}")

    def test_quality_of_service_of_nobody(self):
        file = self.write("platform.yaml", "extends: reference/mesh\nfabric:\n  qos:\n    streams:\n      synthtic: {priority: 3}\n")
        self.assert_rejected(file, "synthetic", message=f"{file}:5:17: error: fabric.qos.streams.synthtic: this run has no stream 'synthtic'; did "
                                                        "you mean 'synthetic'?; it has synthetic")
        # Which streams there are is the run's affair: the file alone is right.
        self.assertEqual(cowosim_binary.call("validate", file).returncode, 0)

    def test_there_is_no_memory_to_decode(self):
        done = cowosim_binary.call("show", "reference/mesh", "--decode", "0")
        self.assertEqual((done.returncode, done.stderr),
                         (2, "cowosim show: error: --decode: this platform is a fabric alone, without memory\n"))


if __name__ == "__main__":
    unittest.main()
