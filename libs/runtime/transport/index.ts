export { CodedError, CodedErrorFilter, INTERNAL_CODE } from './coded-error';
export { InProcessBus, InProcessClient, InProcessServer } from './in-process';
export { NestMessages, type MessageRoutes } from './nest-messages';
export { tcpClient, tcpServer, type TcpAddress } from './tcp';
