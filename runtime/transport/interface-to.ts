// Which of this machine's addresses another machine would see, and which are its own.
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";

/** The address of this machine's interface towards `host:port`; loopback for loopback, and where there is no way. */
export function interfaceTo(address: string): Promise<string> {
  const at = address.lastIndexOf(":");
  const socket = createSocket("udp4");
  // Connecting a datagram socket sends nothing; it only asks the routing table.
  return new Promise((resolve) => {
    socket.on("error", () => {
      socket.close();
      resolve("127.0.0.1");
    });
    socket.connect(Number(address.slice(at + 1)), address.slice(0, at), () => {
      const { address: own } = socket.address();
      socket.close();
      resolve(own);
    });
  });
}

/** Whether an address is one of this machine's. */
export function isOwnAddress(ip: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return ip === "localhost" || own.some(({ address }) => address === ip);
}
