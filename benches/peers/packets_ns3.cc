// Requests and answers of 64 bytes on ns-3: N devices, each on a channel of its own that loses 1 % and
// takes 5 to 15 ms, as in badlink's bench `packet`. The channel draws with SplitMix, which is cheaper than
// ns-3's own generators and error models.
//
// Arguments: devices, packets, "raw" (frames of SimpleNetDevice, one server) or "udp" (UDP over IPv4, a
// server for each device, since a node of ns-3 looks through all its interfaces for each packet).
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

using namespace ns3;

static const uint32_t PAYLOAD = 64;
static const uint16_t PORT = 7701, FRAME = 0x88B5;
static uint64_t sent, limit, state = 1;
static std::vector<uint64_t> states;

static uint64_t Mix(uint64_t& from)
{
    from += 0x9E3779B97F4A7C15ULL;
    uint64_t z = from;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

// Two devices, 1 % loss, a delay drawn per packet.
class DrawnChannel : public SimpleChannel
{
  public:
    void Send(Ptr<Packet> packet, uint16_t protocol, Mac48Address to, Mac48Address from,
              Ptr<SimpleNetDevice> sender) override
    {
        const uint64_t drawn = Mix(state);
        if ((drawn >> 32) < 42949673)
        {
            return;
        }
        const Time delay = NanoSeconds(5000000 + (drawn & 0xFFFFFFFF) * 10000000 / 0x100000000);
        for (uint32_t end = 0; end < 2; ++end)
        {
            if (m_ends[end] != sender)
            {
                Simulator::ScheduleWithContext(m_ends[end]->GetNode()->GetId(), delay,
                                               &SimpleNetDevice::Receive, m_ends[end],
                                               packet->Copy(), protocol, to, from);
            }
        }
    }

    void Add(Ptr<SimpleNetDevice> device) override
    {
        SimpleChannel::Add(device);
        m_ends.push_back(device);
    }

  private:
    std::vector<Ptr<SimpleNetDevice>> m_ends;
};

static Ptr<Packet> Request(uint32_t device)
{
    uint8_t bytes[PAYLOAD] = {};
    std::memcpy(bytes, &device, sizeof device);
    if (++sent >= limit)
    {
        Simulator::Stop();
    }
    return Create<Packet>(bytes, PAYLOAD);
}

static Time Think(uint32_t device)
{
    return NanoSeconds(500000000 + (Mix(states[device]) >> 34));
}

static void SendFrame(uint32_t device, Ptr<SimpleNetDevice> from, Mac48Address to)
{
    from->Send(Request(device), to, FRAME);
    Simulator::Schedule(Think(device), &SendFrame, device, from, to);
}

static void SendDatagram(uint32_t device, Ptr<Socket> socket)
{
    socket->Send(Request(device));
    Simulator::Schedule(Think(device), &SendDatagram, device, socket);
}

static bool AnswerFrame(Ptr<NetDevice> at, Ptr<const Packet> packet, uint16_t, const Address& from)
{
    ++sent;
    at->Send(packet->Copy(), from, FRAME);
    return true;
}

static bool TakeFrame(Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address&)
{
    return true;
}

static void AnswerDatagram(Ptr<Socket> socket)
{
    Address from;
    while (Ptr<Packet> packet = socket->RecvFrom(from))
    {
        ++sent;
        socket->SendTo(packet, 0, from);
    }
}

static void TakeDatagram(Ptr<Socket> socket)
{
    while (socket->Recv())
    {
    }
}

static Ptr<SimpleNetDevice> Attach(Ptr<Node> node, Ptr<DrawnChannel> channel)
{
    Ptr<SimpleNetDevice> device = CreateObject<SimpleNetDevice>();
    device->SetAddress(Mac48Address::Allocate());
    device->SetChannel(channel);
    node->AddDevice(device);
    return device;
}

int main(int argc, char** argv)
{
    const uint32_t devices = argc > 1 ? std::atoi(argv[1]) : 1000;
    const uint64_t packets = argc > 2 ? std::atoll(argv[2]) : 200000;
    const bool udp = argc > 3 && std::string(argv[3]) == "udp";
    InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    stack.SetRoutingHelper(Ipv4StaticRoutingHelper());
    Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.252");
    states.resize(devices);
    Ptr<Node> server = CreateObject<Node>();
    for (uint32_t number = 0; number < devices; ++number)
    {
        states[number] = number;
        Ptr<Node> node = CreateObject<Node>();
        if (udp)
        {
            server = CreateObject<Node>();
        }
        Ptr<DrawnChannel> channel = CreateObject<DrawnChannel>();
        Ptr<SimpleNetDevice> near = Attach(node, channel), far = Attach(server, channel);
        if (udp)
        {
            stack.Install(NodeContainer(node, server));
            NetDeviceContainer pair(near);
            pair.Add(far);
            Ipv4InterfaceContainer ends = addresses.Assign(pair);
            addresses.NewNetwork();
            Ptr<Socket> answering = Socket::CreateSocket(server, UdpSocketFactory::GetTypeId());
            answering->Bind(InetSocketAddress(Ipv4Address::GetAny(), PORT));
            answering->SetRecvCallback(MakeCallback(&AnswerDatagram));
            Ptr<Socket> asking = Socket::CreateSocket(node, UdpSocketFactory::GetTypeId());
            asking->Bind();
            asking->Connect(InetSocketAddress(ends.GetAddress(1), PORT));
            asking->SetRecvCallback(MakeCallback(&TakeDatagram));
            Simulator::Schedule(Think(number), &SendDatagram, number, asking);
        }
        else
        {
            far->SetReceiveCallback(MakeCallback(&AnswerFrame));
            near->SetReceiveCallback(MakeCallback(&TakeFrame));
            Simulator::Schedule(Think(number), &SendFrame, number, near,
                                Mac48Address::ConvertFrom(far->GetAddress()));
        }
    }
    // The first turn resolves addresses and warms up, and is not counted.
    double best = INFINITY;
    for (int turn = 0; turn < 4; ++turn)
    {
        const uint64_t begun = sent;
        limit = sent + packets;
        timespec before, after;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        Simulator::Run();
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        const double ns = (after.tv_sec - before.tv_sec) * 1e9 + (after.tv_nsec - before.tv_nsec);
        if (turn > 0)
        {
            best = std::min(best, ns / (sent - begun));
        }
    }
    Simulator::Destroy();
    std::printf("%.1f\n", best);
}
