/**
 * The controllers of kube-controller-manager that the modelled objects need: Deployment and ReplicaSet (pods), Endpoints (backends of services),
 * and the allocation of ClusterIPs, which in a real cluster the API server does.
 */
import type { ApiServer } from '../k8s/api_server.ts';
import type { Deployment, Endpoints, Pod, ReplicaSet, Service } from '../k8s/objects.ts';
import { matchesLabels } from '../k8s/selector.ts';
import { podTemplateHash, randomSuffix } from './names.ts';
