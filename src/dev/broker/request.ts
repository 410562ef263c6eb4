// One frame from a client, read as ubusd reads it: an attribute of the wrong size or without its NUL counts as absent, of two the last one counts.

import type { WireError } from '../../errors.ts';
import { BlobCursor, readUint32 } from '../../ubus/blob.ts';
import { readText } from '../../ubus/blobmsg.ts';
import {
  MIN_FRAME,
  UBUS_ATTR_DATA,
  UBUS_ATTR_METHOD,
  UBUS_ATTR_NO_REPLY,
  UBUS_ATTR_OBJID,
  UBUS_ATTR_OBJPATH,
  UBUS_ATTR_OBJTYPE,
  UBUS_ATTR_SIGNATURE,
  UBUS_ATTR_STATUS,
  UBUS_ATTR_TARGET,
} from '../../ubus/message.ts';
import { attributes } from '../member.ts';
import type { Client } from './client.ts';

/** What the broker looks at; the rest of a frame passes through it unread. */
export interface Request {
  readonly client: Client;
  readonly frame: Uint8Array;
  readonly type: number;
  readonly seq: number;
  readonly peer: number;
  status?: number;
  path?: string;
  objectId?: number;
  method?: string;
  objectType?: number;
  signature?: Uint8Array;
  data?: Uint8Array;
  target?: number;
  noReply?: boolean;
  /** Why the list of attributes ended early. */
  fault?: WireError;
}

/** Reads a whole frame; never throws. */
export function readRequest(client: Client, frame: Uint8Array): Request {
  const request: Request = {
    client,
    frame,
    type: frame[1]!,
    seq: (frame[2]! << 8) | frame[3]!,
    peer: readUint32(frame, 4),
  };
  const cursor = new BlobCursor(frame, MIN_FRAME);
  for (const attribute of attributes(cursor, (fault) => (request.fault = fault))) readAttribute(attribute, request);
  return request;
}

function readAttribute({ bytes, id, start, end }: BlobCursor, request: Request): void {
  const number = end - start === 4 ? readUint32(bytes, start) : undefined;
  const text = end > start && bytes[end - 1] === 0 ? () => readText(bytes, start, end) : undefined;
  if (id === UBUS_ATTR_STATUS && number !== undefined) request.status = number;
  else if (id === UBUS_ATTR_OBJID && number !== undefined) request.objectId = number;
  else if (id === UBUS_ATTR_OBJTYPE && number !== undefined) request.objectType = number;
  else if (id === UBUS_ATTR_TARGET && number !== undefined) request.target = number;
  else if (id === UBUS_ATTR_OBJPATH && text) request.path = text();
  else if (id === UBUS_ATTR_METHOD && text) request.method = text();
  else if (id === UBUS_ATTR_SIGNATURE) request.signature = bytes.subarray(start, end);
  else if (id === UBUS_ATTR_DATA) request.data = bytes.subarray(start, end);
  else if (id === UBUS_ATTR_NO_REPLY) request.noReply = end > start && bytes[start] !== 0;
}
