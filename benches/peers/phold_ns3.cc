// PHOLD on ns-3's scheduler: one pending event per process, each handler schedules its successor.
// Arguments: pending events, events to handle, name of a scheduler.
#include <ns3/core-module.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

static std::vector<uint64_t> states, delays(4096);
static uint64_t handled, limit;

static void Due(uint32_t process)
{
    uint64_t& state = states[process];
    state += 0x9E3779B97F4A7C15ULL;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    ns3::Simulator::Schedule(ns3::NanoSeconds(delays[z >> 52] + (z & 0xFFFF) + 1), &Due, process);
    if (++handled == limit)
    {
        ns3::Simulator::Stop();
    }
}

int main(int argc, char** argv)
{
    const uint32_t pending = argc > 1 ? std::atoi(argv[1]) : 10000;
    const uint64_t events = argc > 2 ? std::atoll(argv[2]) : 1000000;
    ns3::ObjectFactory factory;
    factory.SetTypeId(argc > 3 ? argv[3] : "ns3::MapScheduler");
    ns3::Simulator::SetScheduler(factory);
    for (uint32_t cell = 0; cell < 4096; ++cell)
    {
        delays[cell] = static_cast<uint64_t>(-1e9 * std::log(1.0 - (cell + 0.5) / 4096.0));
    }
    states.resize(pending);
    for (uint32_t process = 0; process < pending; ++process)
    {
        states[process] = process;
        Due(process);
    }
    double best = INFINITY;
    for (int turn = 0; turn < 3; ++turn)
    {
        limit = handled + events;
        timespec before, after;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        ns3::Simulator::Run();
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        const double ns = (after.tv_sec - before.tv_sec) * 1e9 + (after.tv_nsec - before.tv_nsec);
        best = std::min(best, ns / events);
    }
    ns3::Simulator::Destroy();
    std::printf("%.1f\n", best);
}
