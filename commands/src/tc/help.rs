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

/// `tc class help`.
pub(super) const CLASS: &str = concat!(
    "Usage: tc class [ add | del | change | replace | show ] dev STRING\n",
    "       [ classid CLASSID ] [ root | parent CLASSID ]\n",
    "       [ [ QDISC_KIND ] [ help | OPTIONS ] ]\n",
    "\n",
    "       tc class show [ dev STRING ] [ root | parent CLASSID ]\n",
    "Where:\n",
    "QDISC_KIND := { prio | cbq | etc. }\n",
    "OPTIONS := ... try tc class add <desired QDISC_KIND> help\n",
);

/// `tc filter help`.
pub(super) const FILTER: &str = concat!(
    "Usage: tc filter [ add | del | change | replace | show ] [ dev STRING ]\n",
    "       tc filter [ add | del | change | replace | show ] [ block BLOCK_INDEX ]\n",
    "       tc filter get dev STRING parent CLASSID protocol PROTO handle FILTERID pref PRIO FILTER_TYPE\n",
    "       tc filter get block BLOCK_INDEX protocol PROTO handle FILTERID pref PRIO FILTER_TYPE\n",
    "       [ pref PRIO ] protocol PROTO [ chain CHAIN_INDEX ]\n",
    "       [ estimator INTERVAL TIME_CONSTANT ]\n",
    "       [ root | ingress | egress | parent CLASSID ]\n",
    "       [ handle FILTERID ] [ [ FILTER_TYPE ] [ help | OPTIONS ] ]\n",
    "\n",
    "       tc filter show [ dev STRING ] [ root | ingress | egress | parent CLASSID ]\n",
    "       tc filter show [ block BLOCK_INDEX ]\n",
    "Where:\n",
    "FILTER_TYPE := { rsvp | u32 | bpf | fw | route | etc. }\n",
    "FILTERID := ... format depends on classifier, see there\n",
    "OPTIONS := ... try tc filter add <desired FILTER_KIND> help\n",
);

/// `… fifo help`.
pub(super) const FIFO: &str = "Usage: ... <[p|b]fifo | pfifo_head_drop> [ limit NUMBER ]\n";

/// `… prio help`.
pub(super) const PRIO: &str = "Usage: ... prio bands NUMBER priomap P1 P2...[multiqueue]\n";

/// `… tbf help`.
pub(super) const TBF: &str = concat!(
    "Usage: ... tbf limit BYTES burst BYTES[/BYTES] rate KBPS [ mtu BYTES[/BYTES] ]\n",
    "\t[ peakrate KBPS ] [ latency TIME ] [ overhead BYTES ] [ linklayer TYPE ]\n",
);

/// `… htb help`.
pub(super) const HTB: &str = concat!(
    "Usage: ... qdisc add ... htb [default N] [r2q N]\n",
    "                      [direct_qlen P] [offload]\n",
    " default  minor id of class to which unclassified packets are sent {0}\n",
    " r2q      DRR quantums are computed as rate in Bps/r2q {10}\n",
    " debug    string of 16 numbers each 0-3 {0}\n",
    "\n",
    " direct_qlen  Limit of the direct queue {in packets}\n",
    " offload  enable hardware offload\n",
    "... class add ... htb rate R1 [burst B1] [mpu B] [overhead O]\n",
    "                      [prio P] [slot S] [pslot PS]\n",
    "                      [ceil R2] [cburst B2] [mtu MTU] [quantum Q]\n",
    " rate     rate allocated to this class (class can still borrow)\n",
    " burst    max bytes burst which can be accumulated during idle period {computed}\n",
    " mpu      minimum packet size used in rate computations\n",
    " overhead per-packet size overhead used in rate computations\n",
    " linklay  adapting to a linklayer e.g. atm\n",
    " ceil     definite upper class rate (no borrows) {rate}\n",
    " cburst   burst but for ceil {computed}\n",
    " mtu      max packet size we create rate map for {1600}\n",
    " prio     priority of leaf; lower are served first {0}\n",
    " quantum  how much bytes to serve from leaf at once {use r2q}\n",
    "\n",
    "TC HTB version 3.3\n",
);

/// `… u32 help`.
pub(super) const U32: &str = concat!(
    "Usage: ... u32 [ match SELECTOR ... ] [ link HTID ] [ classid CLASSID ]\n",
    "               [ action ACTION_SPEC ] [ offset OFFSET_SPEC ]\n",
    "               [ ht HTID ] [ hashkey HASHKEY_SPEC ]\n",
    "               [ sample SAMPLE ] [skip_hw | skip_sw]\n",
    "or         u32 divisor DIVISOR\n",
    "\n",
    "Where: SELECTOR := SAMPLE SAMPLE ...\n",
    "       SAMPLE := { ip | ip6 | udp | tcp | icmp | u{32|16|8} | mark }\n",
    "                 SAMPLE_ARGS [ divisor DIVISOR ]\n",
    "       FILTERID := X:Y:Z\n",
    "\n",
    "NOTE: CLASSID is parsed at hexadecimal input.\n",
);

/// `… fw help`.
pub(super) const FW: &str = concat!(
    "Usage: ... fw [ classid CLASSID ] [ indev DEV ] [ action ACTION_SPEC ]\n",
    "\tCLASSID := Push matching packets to the class identified by CLASSID with format X:Y\n",
    "\t\tCLASSID is parsed as hexadecimal input.\n",
    "\tDEV := specify device for incoming device classification.\n",
    "\tACTION_SPEC := Apply an action on matching packets.\n",
    "\tNOTE: handle is represented as HANDLE[/FWMASK].\n",
    "\t\tFWMASK is 0xffffffff by default.\n",
);

/// `… matchall help`.
pub(super) const MATCHALL: &str = concat!(
    "Usage: ... matchall [skip_sw | skip_hw]\n",
    "                 [ action ACTION_SPEC ] [ classid CLASSID ]\n",
    "\n",
    "Where: SELECTOR := SAMPLE SAMPLE ...\n",
    "       FILTERID := X:Y:Z\n",
    "       ACTION_SPEC := ... look at individual actions\n",
    "\n",
    "NOTE: CLASSID is parsed as hexadecimal input.\n",
);
