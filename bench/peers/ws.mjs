// A broadcast by the library ws: what one client sends all get; on /echo the sender alone.

import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

const server = createServer();
const everyone = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const echo = new WebSocketServer({ noServer: true, perMessageDeflate: false });

everyone.on("connection", (socket) => {
    socket.on("message", (message) => {
        for (const client of everyone.clients)
            if (client.readyState === WebSocket.OPEN) client.send(message, { binary: false });
    });
});
echo.on("connection", (socket) => {
    socket.on("message", (message) => socket.send(message, { binary: false }));
});
server.on("upgrade", (request, socket, head) => {
    const target = request.url === "/echo" ? echo : everyone;
    target.handleUpgrade(request, socket, head, (client) => target.emit("connection", client));
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
