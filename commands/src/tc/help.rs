//! What `tc` says of itself, word for word.

/// `tc help`.
pub(super) const MAIN: &str = concat!(
    "Usage:\ttc [ OPTIONS ] OBJECT { COMMAND | help }\n",
    "\ttc [-force] -batch filename\n",
    "where  OBJECT := { qdisc | class | filter | chain |\n",
    "\t\t    action | monitor | exec }\n",
    "       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -r[aw] |\n",
    "\t\t    -o[neline] | -j[son] | -p[retty] | -c[olor]\n",
    "\t\t    -b[atch] [filename] | -n[etns] name | -N[umeric] |\n",
    "\t\t     -nm | -nam[es] | { -cf | -conf } path\n",
    "\t\t     -br[ief] }\n",
);

/// `tc qdisc help`.
pub(super) const QDISC: &str = concat!(
    "Usage: tc qdisc [ add | del | replace | change | show ] dev STRING\n",
    "       [ handle QHANDLE ] [ root | ingress | clsact | parent CLASSID ]\n",
    "       [ estimator INTERVAL TIME_CONSTANT ]\n",
    "       [ stab [ help | STAB_OPTIONS] ]\n",
    "       [ ingress_block BLOCK_INDEX ] [ egress_block BLOCK_INDEX ]\n",
    "       [ [ QDISC_KIND ] [ help | OPTIONS ] ]\n",
    "\n",
    "       tc qdisc { show | list } [ dev STRING ] [ QDISC_ID ] [ invisible ]\n",
    "Where:\n",
    "QDISC_KIND := { [p|b]fifo | tbf | prio | cbq | red | etc. }\n",
    "OPTIONS := ... try tc qdisc add <desired QDISC_KIND> help\n",
    "STAB_OPTIONS := ... try tc qdisc add stab help\n",
    "QDISC_ID := { root | ingress | handle QHANDLE | parent CLASSID }\n",
);

/// `tc qdisc add … netem help`.
pub(super) const NETEM: &str = concat!(
    "Usage: ... netem [ limit PACKETS ]\n",
    "                 [ delay TIME [ JITTER [CORRELATION]]]\n",
    "                 [ distribution {uniform|normal|pareto|paretonormal} ]\n",
    "                 [ corrupt PERCENT [CORRELATION]]\n",
    "                 [ duplicate PERCENT [CORRELATION]]\n",
    "                 [ loss random PERCENT [CORRELATION]]\n",
    "                 [ loss state P13 [P31 [P32 [P23 P14]]]\n",
    "                 [ loss gemodel PERCENT [R [1-H [1-K]]]\n",
    "                 [ ecn ]\n",
    "                 [ reorder PERCENT [CORRELATION] [ gap DISTANCE ]]\n",
    "                 [ rate RATE [PACKETOVERHEAD] [CELLSIZE] [CELLOVERHEAD]]\n",
    "                 [ slot MIN_DELAY [MAX_DELAY] [packets MAX_PACKETS] [bytes MAX_BYTES]]\n",
    "                 [ slot distribution {uniform|normal|pareto|paretonormal|custom}\n",
    "                   DELAY JITTER [packets MAX_PACKETS] [bytes MAX_BYTES]]\n",
);
