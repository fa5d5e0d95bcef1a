// nettwin's peer on ns-3 (Debian's libns3-dev): the same frames through bridges and routers.
//
//   ns3 bridge PORTS DELAY_US | flood PORTS | hop | setup HOSTS
//
// Prints the nanoseconds of processor time for each frame, copy, further router or host; building is not measured (but for
// setup). Ends with 1 if frames did not arrive.
#include "ns3/bridge-module.h"
#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

using namespace ns3;

namespace {

uint64_t g_arrived = 0;

double Spent() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

bool Arrive(Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address &) {
  ++g_arrived;
  return true;
}

// Runs until nothing is left; processor time of each of `things`.
double Run(double things) {
  double begin = Spent();
  Simulator::Run();
  return (Spent() - begin) / things;
}

// Sends a frame every `gap`, each of which schedules the next.
struct Pump {
  Ptr<NetDevice> device;
  Address to;
  Time gap;
  uint32_t left;

  void Send() {
    device->Send(Create<Packet>(46), to, 0x88b5);
    if (--left > 0) {
      Simulator::Schedule(gap, &Pump::Send, this);
    }
  }
};

double Bridge(uint32_t ports, int delay_us, bool flood) {
  NodeContainer hosts(ports);
  Ptr<Node> bridge = CreateObject<Node>();
  CsmaHelper csma;
  csma.SetChannelAttribute("DataRate", DataRateValue(DataRate("100Gbps")));
  csma.SetChannelAttribute("Delay", TimeValue(MicroSeconds(delay_us)));
  std::vector<Ptr<NetDevice>> ends;
  NetDeviceContainer bridged;
  for (uint32_t h = 0; h < ports; ++h) {
    NetDeviceContainer link = csma.Install(NodeContainer(hosts.Get(h), bridge));
    ends.push_back(link.Get(0));
    bridged.Add(link.Get(1));
  }
  BridgeHelper().Install(bridge, bridged);
  for (uint32_t h = 1; h < ports; ++h) {
    ends[h]->SetReceiveCallback(MakeCallback(&Arrive));
  }
  Ptr<NetDevice> last = ends[ports - 1];
  Pump hello{last, last->GetBroadcast(), MicroSeconds(1), 1};
  Simulator::Schedule(MicroSeconds(1), &Pump::Send, &hello);
  Simulator::Run();
  g_arrived = 0;
  const uint32_t frames = flood ? 400000 / ports : 100000;
  // A channel carries one frame at a time.
  Pump pump{ends[0], flood ? last->GetBroadcast() : last->GetAddress(), MicroSeconds(1 + 3 * delay_us), frames};
  Simulator::Schedule(MicroSeconds(1), &Pump::Send, &pump);
  const double copies = flood ? ports - 1 : 1;
  const double each = Run(frames * copies);
  if (g_arrived != frames * copies) {
    std::fprintf(stderr, "%llu frames arrived\n", static_cast<unsigned long long>(g_arrived));
    std::exit(1);
  }
  Simulator::Destroy();
  return each;
}

void Count(Ptr<Socket> socket) {
  while (socket->Recv()) {
    ++g_arrived;
  }
}

struct Datagrams {
  Ptr<Socket> socket;
  uint32_t left;

  void Send() {
    socket->Send(Create<Packet>(18));
    if (--left > 0) {
      Simulator::Schedule(MicroSeconds(1), &Datagrams::Send, this);
    }
  }
};

double Routers(uint32_t count) {
  NodeContainer nodes(count + 2);
  InternetStackHelper internet;
  internet.SetIpv6StackInstall(false);
  internet.Install(nodes);
  PointToPointHelper link;
  link.SetDeviceAttribute("DataRate", StringValue("100Gbps"));
  link.SetChannelAttribute("Delay", StringValue("0ns"));
  Ipv4StaticRoutingHelper routing;
  Ipv4Address to;
  for (uint32_t n = 0; n + 1 < nodes.GetN(); ++n) {
    Ipv4AddressHelper addresses(("10.0." + std::to_string(n + 1) + ".0").c_str(), "255.255.255.0");
    Ipv4InterfaceContainer ends = addresses.Assign(link.Install(nodes.Get(n), nodes.Get(n + 1)));
    to = ends.GetAddress(1);
  }
  for (uint32_t n = 0; n + 1 < nodes.GetN(); ++n) {
    Ptr<Ipv4> ipv4 = nodes.Get(n)->GetObject<Ipv4>();
    const uint32_t out = ipv4->GetNInterfaces() - 1;
    const std::string next = "10.0." + std::to_string(n + 1) + ".2";
    routing.GetStaticRouting(ipv4)->AddHostRouteTo(to, Ipv4Address(next.c_str()), out);
  }
  Ptr<Socket> sink = Socket::CreateSocket(nodes.Get(count + 1), UdpSocketFactory::GetTypeId());
  sink->Bind(InetSocketAddress(Ipv4Address::GetAny(), 9));
  sink->SetRecvCallback(MakeCallback(&Count));
  Ptr<Socket> socket = Socket::CreateSocket(nodes.Get(0), UdpSocketFactory::GetTypeId());
  socket->Connect(InetSocketAddress(to, 9));
  g_arrived = 0;
  const uint32_t datagrams = 20000;
  Datagrams pump{socket, datagrams};
  Simulator::Schedule(MicroSeconds(1), &Datagrams::Send, &pump);
  const double each = Run(datagrams);
  if (g_arrived != datagrams) {
    std::fprintf(stderr, "%llu datagrams arrived\n", static_cast<unsigned long long>(g_arrived));
    std::exit(1);
  }
  Simulator::Destroy();
  return each;
}

double Setup(uint32_t count) {
  const double begin = Spent();
  NodeContainer hosts(count);
  Ptr<Node> bridge = CreateObject<Node>();
  CsmaHelper csma;
  InternetStackHelper internet;
  internet.SetIpv6StackInstall(false);
  internet.Install(hosts);
  NetDeviceContainer bridged, ends;
  for (uint32_t h = 0; h < count; ++h) {
    NetDeviceContainer link = csma.Install(NodeContainer(hosts.Get(h), bridge));
    ends.Add(link.Get(0));
    bridged.Add(link.Get(1));
  }
  BridgeHelper().Install(bridge, bridged);
  Ipv4AddressHelper("10.1.0.0", "255.255.0.0").Assign(ends);
  Ipv4StaticRoutingHelper routing;
  for (uint32_t h = 0; h < count; ++h) {
    routing.GetStaticRouting(hosts.Get(h)->GetObject<Ipv4>())->SetDefaultRoute("10.1.255.254", 1);
  }
  Simulator::Stop(Seconds(0));
  Simulator::Run();
  Simulator::Destroy();
  return (Spent() - begin) / count;
}

} // namespace

int main(int argc, char **argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const int first = argc > 2 ? std::atoi(argv[2]) : 0;
  double each = 0;
  if (what == "bridge" && argc == 4 && first > 1) {
    each = Bridge(first, std::atoi(argv[3]), false);
  } else if (what == "flood" && first > 1) {
    each = Bridge(first, 0, true);
  } else if (what == "hop") {
    const double one = Routers(1);
    each = (Routers(8) - one) / 7;
  } else if (what == "setup" && first > 0) {
    each = Setup(first);
  } else {
    std::fprintf(stderr, "usage: %s bridge PORTS DELAY_US | flood PORTS | hop | setup HOSTS\n", argv[0]);
    return 2;
  }
  std::printf("%.1f\n", each);
  return 0;
}
